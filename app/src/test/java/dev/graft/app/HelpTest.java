package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.config.RunConfigReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HelpTest {
    @Test
    void helpListsTheCommandsByGroup() {
        Ran help = Ran.of("--help").succeeded();
        assertThat(help.out())
                .contains("Train:", "Use what was trained:", "This machine:")
                .contains("plan ", "train ", "generate ", "eval ", "merge ", "init ", "doctor ")
                .doesNotContain("logits");
        assertThat(help.err()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pull",
                "plan",
                "train",
                "generate",
                "eval",
                "merge",
                "init",
                "doctor",
                "logits"
            })
    void everyCommandExplainsItself(String command) {
        Ran help = Ran.of(command, "--help").succeeded();
        assertThat(help.out()).contains("graft " + command, "--help", "--debug");
        assertThat(help.err()).isEmpty();
    }

    @Test
    void everyKeyIsAnOptionOfTrain() {
        String help = Ran.of("train", "--help").succeeded().out();
        for (var key : RunConfigReader.keys()) {
            assertThat(help).contains(key.option());
            for (String alias : key.aliases()) {
                assertThat(help).contains("--" + alias.replace('_', '-'));
            }
        }
        assertThat(help).contains("LoRA:", "Optimizer:", "Checkpoints:");
    }

    @Test
    void versionNamesTheJdk() {
        assertThat(Ran.of("--version").succeeded().out())
                .contains("graft ", Runtime.version().toString());
    }

    @Test
    void mistypedCommandsAndOptionsAreAnsweredWithSuggestions() {
        Ran.of("trian").failedWith(2, "did you mean ", "train");
        Ran.of().failedWith(2, "Missing command", "graft --help");
        Ran.of("generate", "--model", "m", "--prompt", "x", "--max-new-token", "3")
                .failedWith(2, "--max-new-token", "did you mean --max-new-tokens");
        Ran.of("merge", "--model", "m").failedWith(2, "--output", "graft merge --help");
        Ran.of("merge", "--model", "m", "--output", "o", "--dtype", "int7")
                .failedWith(2, "int7", "bfloat16");
    }
}
