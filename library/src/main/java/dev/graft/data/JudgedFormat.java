package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Formats whose answers were judged. Supervised training learns the good ones.
public sealed interface JudgedFormat extends Format {

    /// Pairs of a chosen and a rejected answer: the chosen one is trained. The prompt stands in
    /// `prompt`, in `conversations`, in `instruction` (and `input`), or is what both answers begin
    /// with.
    record Preference(String chosen, String rejected) implements JudgedFormat {
        private static final String TURN = "\n\nAssistant:";

        /// Names that a column with the prompt has elsewhere.
        private static final List<String> PROMPTS =
                List.of("question", "query", "input", "problem", "user", "context");

        @Override
        public Sample sample(Row row) {
            return Messages.isMessages(row.values().get(chosen)) ? chat(row) : text(row);
        }

        private Sample chat(Row row) {
            List<ObjectNode> answer = Messages.read(row, chosen);
            var messages = new ArrayList<ObjectNode>();
            int prompt;
            if (row.values().hasNonNull("conversations")) {
                messages.addAll(Messages.read(row, "conversations"));
                prompt = messages.size();
            } else if (Messages.isMessages(row.values().get("prompt"))) {
                messages.addAll(Messages.read(row, "prompt"));
                prompt = messages.size();
            } else {
                prompt = common(answer, Messages.read(row, rejected));
            }
            messages.addAll(answer);
            return new Sample.Chat(
                    new Conversation(
                            messages, Messages.tools(row), prompt, ChatFormat.options(row)));
        }

        private static int common(List<ObjectNode> a, List<ObjectNode> b) {
            int same = 0;
            while (same < Math.min(a.size(), b.size()) - 1 && a.get(same).equals(b.get(same))) {
                same++;
            }
            return same;
        }

        private Sample text(Row row) {
            String answer = Format.required(row, chosen);
            if (row.values().hasNonNull("instruction")) {
                return text(new TextFormat.Alpaca().prompt(row), answer);
            }
            if (row.values().hasNonNull("prompt")) {
                return text(Format.required(row, "prompt"), answer);
            }
            int turn = answer.lastIndexOf(TURN);
            int prompt =
                    turn < 0
                            ? shared(answer, Format.required(row, rejected))
                            : turn + TURN.length();
            if (turn < 0) {
                checkPromptIsInside(row, answer.substring(0, prompt));
            }
            return text(answer.substring(0, prompt), answer.substring(prompt));
        }

        private static void checkPromptIsInside(Row row, String prompt) {
            String column =
                    PROMPTS.stream().filter(c -> row.values().hasNonNull(c)).findFirst().orElse("");
            if (prompt.isBlank() || !column.isEmpty()) {
                throw new ConfigException(
                        "%s: found the columns %s, expected the prompt in prompt (dataset_columns: prompt=%s), or as what both answers begin with"
                                .formatted(
                                        row.place(),
                                        String.join(", ", row.columns()),
                                        column.isEmpty() ? "question" : column));
            }
        }

        private static Sample text(String prompt, String answer) {
            return new Sample.Text(List.of(new Segment(prompt, false), new Segment(answer, true)));
        }

        /// The end of the last whole word that both begin with.
        private static int shared(String a, String b) {
            int i = 0;
            while (i < Math.min(a.length(), b.length()) && a.charAt(i) == b.charAt(i)) {
                i++;
            }
            while (i > 0 && !Character.isWhitespace(a.charAt(i - 1))) {
                i--;
            }
            return i;
        }
    }

    /// Answers that were judged one by one: those whose label is true are trained.
    ///
    /// @param label its column: `label`, or `kto_tag` as LLaMA-Factory has it
    record Unpaired(Format answered, String label) implements JudgedFormat {
        static String column(ObjectNode values) {
            return values.has("kto_tag") ? "kto_tag" : "label";
        }

        @Override
        public Sample sample(Row row) {
            JsonNode said = row.values().path(label);
            Optional<Boolean> good = good(said);
            if (good.isEmpty()) {
                throw new ConfigException(
                        "%s: found %s in column %s, expected true or false; dataset_format: messages or prompt_completion takes all rows"
                                .formatted(
                                        row.place(),
                                        said.isMissingNode() ? "nothing" : said,
                                        label));
            }
            return good.get() ? answered.sample(row) : new Sample.Nothing();
        }

        /// What a label says: true or false, also as 1 or 0 and as text.
        static Optional<Boolean> good(JsonNode label) {
            return switch (label.asText("").toLowerCase(Locale.ROOT)) {
                case "true", "1", "1.0" -> Optional.of(true);
                case "false", "0", "0.0" -> Optional.of(false);
                default -> Optional.empty();
            };
        }
    }
}
