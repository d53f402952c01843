package dev.graft.hub;

import dev.graft.error.ConfigException;
import dev.graft.error.GraftException;
import dev.graft.error.ModelFormatException;
import java.util.Optional;

/// Why the hub did not give what was asked for, and what a user can do.
///
/// Source: `hf_raise_for_status` in `huggingface_hub/utils/_http.py`.
///
/// @param what the file, or empty for the repository itself
record Refusal(HubSettings settings, RepoId repo, String revision, Optional<String> what) {
    /// Passes an answer that is good, and throws otherwise.
    ///
    /// @throws BusyException if asking again later may help
    /// @throws GraftException if it will not
    void check(Answer answer) throws BusyException {
        int status = answer.status();
        if (status < 400) {
            return;
        }
        if (answer.isBusy()) {
            throw new BusyException(
                    "%s answers %d%s"
                            .formatted(
                                    answer.uri().getHost(),
                                    status,
                                    status == 429 ? " (too many requests)" : ""),
                    answer.retryAfter());
        }
        throw failure(answer);
    }

    private GraftException failure(Answer answer) {
        String code = answer.header("X-Error-Code").orElse("");
        String page = settings.endpoint() + "/" + repo;
        return switch (code) {
            case "GatedRepo" ->
                    new ConfigException(
                            "%s is gated: accept its licence at %s and give a token of that account; %s"
                                    .formatted(repo, page, token()));
            case "RevisionNotFound" ->
                    new ConfigException(
                            "%s has no revision '%s'; expected a branch, a tag or a commit of %s/commits/main"
                                    .formatted(repo, revision, page));
            case "EntryNotFound" ->
                    new ModelFormatException(
                            "%s: the hub lists the file %s and does not have it at revision %s; run the command again, or report it at %s/discussions"
                                    .formatted(repo, what.orElse(""), revision, page));
            case "RepoNotFound" -> notFound(page);
            default -> byStatus(answer, page);
        };
    }

    private GraftException byStatus(Answer answer, String page) {
        String said = answer.header("X-Error-Message").map(SafeName::shown).orElse("no reason");
        return switch (answer.status()) {
            case 401 ->
                    settings.token().isPresent()
                            ? new ConfigException(
                                    "%s: the hub refuses the token from %s (401, %s); make another at %s/settings/tokens"
                                            .formatted(
                                                    repo,
                                                    settings.token().get().origin(),
                                                    said,
                                                    settings.endpoint()))
                            : notFound(page);
            case 403 ->
                    new ConfigException(
                            "%s: access is forbidden (403, %s); see %s, where a licence may have to be accepted; %s"
                                    .formatted(repo, said, page, token()));
            case 404 -> notFound(page);
            default ->
                    new ConfigException(
                            "%s: %s answers %d (%s), expected 200; check the name and HF_ENDPOINT"
                                    .formatted(
                                            repo,
                                            HubClient.place(answer.uri()),
                                            answer.status(),
                                            said));
        };
    }

    private ConfigException notFound(String page) {
        return new ConfigException(
                "%s: there is no such model at %s, or it is private; check the name, and for a private one %s"
                        .formatted(repo, page, token()));
    }

    private String token() {
        return settings.token()
                .map(t -> "the token from %s does not open it".formatted(t.origin()))
                .orElse(
                        "set HF_TOKEN (no token was found there, in HUGGING_FACE_HUB_TOKEN or in %s)"
                                .formatted(settings.tokenFile()));
    }
}
