package dev.graft.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;

/// Formats whose answers were judged. Supervised training learns the good ones.
public sealed interface JudgedFormat extends Format {

    /// Pairs of a chosen and a rejected answer: the chosen one is trained. The prompt stands in
    /// `prompt`, in `conversations`, in `instruction` (and `input`), or is what both answers begin
    /// with.
    record Preference(String chosen, String rejected) implements JudgedFormat {
        private static final String TURN = "\n\nAssistant:";

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
            return text(answer.substring(0, prompt), answer.substring(prompt));
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

    /// Answers that were judged one by one: those whose `label` is true are trained.
    record Unpaired(Format answered) implements JudgedFormat {
        @Override
        public Sample sample(Row row) {
            JsonNode label = row.values().path("label");
            if (!label.isBoolean()) {
                throw new ConfigException(
                        "%s: found %s in column label, expected true or false"
                                .formatted(row.place(), label.isMissingNode() ? "nothing" : label));
            }
            return label.booleanValue() ? answered.sample(row) : new Sample.Nothing();
        }
    }
}
