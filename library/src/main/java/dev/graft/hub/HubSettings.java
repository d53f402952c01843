package dev.graft.hub;

import dev.graft.error.ConfigException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Which hub, which cache, who asks: the environment variables of `huggingface_hub`.
///
/// Source: `huggingface_hub/constants.py`.
///
/// @param endpoint `HF_ENDPOINT`, without a slash at its end
/// @param cache `HF_HUB_CACHE`, or `hub` in `HF_HOME`
/// @param tokenFile where a token is looked for, for errors
/// @param offline whether `HF_HUB_OFFLINE` is set
/// @param symlinks whether snapshots may be links
public record HubSettings(
        URI endpoint,
        Path cache,
        Optional<Token> token,
        Path tokenFile,
        boolean offline,
        boolean symlinks) {
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

    /// The settings of this process.
    ///
    /// @throws ConfigException if a variable or the token file is not what it should be
    public static HubSettings system() {
        return of(Environment.system());
    }

    /// The settings that some variables make.
    ///
    /// @param home the folder that `~` stands for
    public static HubSettings of(Map<String, String> variables, Path home) {
        return of(new Environment(variables, home));
    }

    private static HubSettings of(Environment environment) {
        Path tokenFile =
                environment
                        .path("HF_TOKEN_PATH")
                        .orElse(environment.huggingFace().resolve("token"));
        boolean offline =
                environment
                        .first("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
                        .filter(HubSettings::isTrue)
                        .isPresent();
        return new HubSettings(
                endpoint(environment.first("HF_ENDPOINT").orElse("https://huggingface.co")),
                environment.cache(),
                token(environment, tokenFile),
                tokenFile,
                offline,
                !environment.isTrue("HF_HUB_DISABLE_SYMLINKS"));
    }

    private static boolean isTrue(String text) {
        return TRUE.contains(text.toUpperCase(Locale.ROOT));
    }

    private static URI endpoint(String text) {
        try {
            var uri = new URI(text.replaceFirst("/+$", ""));
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (web && uri.getHost() != null && uri.getUserInfo() == null) {
                return uri;
            }
        } catch (URISyntaxException _) {
            // Told like any other text that is no address.
        }
        throw new ConfigException(
                "HF_ENDPOINT: found '%s', expected an address as https://huggingface.co"
                        .formatted(SafeName.shown(text)));
    }

    private static Optional<Token> token(Environment environment, Path file) {
        if (environment.isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
            return Optional.empty();
        }
        for (String name : new String[] {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
            Optional<String> value = environment.first(name);
            if (value.isPresent()) {
                return Optional.of(new Token(value.get(), name));
            }
        }
        try {
            String text = Files.readString(file).strip();
            return text.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Token(text, file.toString()));
        } catch (NoSuchFileException _) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ConfigException(
                    "the token file %s cannot be read (%s); expected a text file with the token, or none"
                            .formatted(file, e),
                    e);
        }
    }

    /// Variables as `huggingface_hub` reads them.
    record Environment(Map<String, String> variables, Path home) {
        static Environment system() {
            return new Environment(System.getenv(), Path.of(System.getProperty("user.home")));
        }

        /// The first of the variables that says something.
        Optional<String> first(String... names) {
            for (String name : names) {
                String value = variables.getOrDefault(name, "").strip();
                if (!value.isEmpty()) {
                    return Optional.of(value);
                }
            }
            return Optional.empty();
        }

        boolean isTrue(String name) {
            return first(name).filter(HubSettings::isTrue).isPresent();
        }

        Optional<Path> path(String... names) {
            return first(names).map(this::expanded);
        }

        Path huggingFace() {
            return path("HF_HOME")
                    .orElseGet(
                            () ->
                                    path("XDG_CACHE_HOME")
                                            .orElse(home.resolve(".cache"))
                                            .resolve("huggingface"));
        }

        /// The folder that holds every repository's folder.
        Path cache() {
            return path("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
                    .orElseGet(() -> huggingFace().resolve("hub"))
                    .toAbsolutePath()
                    .normalize();
        }

        /// The path with `~` and `$NAME` filled in.
        private Path expanded(String text) {
            String filled = text;
            for (var variable : variables.entrySet()) {
                filled = filled.replace("${" + variable.getKey() + "}", variable.getValue());
                if (filled.startsWith("$" + variable.getKey() + "/")) {
                    filled = variable.getValue() + filled.substring(variable.getKey().length() + 1);
                }
            }
            if (filled.equals("~") || filled.startsWith("~/")) {
                return home.resolve(filled.substring(Math.min(2, filled.length())));
            }
            return Path.of(filled);
        }
    }
}
