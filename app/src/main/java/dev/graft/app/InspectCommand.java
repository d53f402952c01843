package dev.graft.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Preflight;
import dev.graft.config.RunConfigReader;
import dev.graft.data.Finding;
import dev.graft.data.Inspection;
import dev.graft.data.Segment;
import dev.graft.plan.Tuning;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `graft inspect`: what a run would show to the model, before it starts.
@Command(
        name = "inspect",
        sortOptions = false,
        header = "What a run would train on, token by token, and what is odd about it.",
        description =
                "%nTakes what train takes; reads the data, loads no weights. Exit code 2 where train"
                        + " would refuse.",
        abbreviateSynopsis = true)
final class InspectCommand implements Callable<Integer> {
    private static final int SHOWN = 1200;

    private final Console console;

    @Spec private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "run.yaml",
            description = "A run's config; options win over it.")
    private String file;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    InspectCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        ConfigOptions.Given given = ConfigOptions.given(file, spec.commandLine().getParseResult());
        Map<String, String> keys = new HashMap<>(given.overrides());
        if (given.file() == null) {
            keys.putIfAbsent("output_dir", "none"); // required of a run, but nothing to a look
        }
        var preflight =
                Preflight.of(
                        given.file() == null
                                ? RunConfigReader.read(keys)
                                : RunConfigReader.read(Path.of(given.file()), keys));
        if (json) {
            console.json(toJson(preflight));
        } else {
            print(preflight);
        }
        return preflight.findings().stream().anyMatch(f -> f.level() == Finding.Level.ERROR)
                ? 2
                : 0;
    }

    private void print(Preflight p) {
        say("model     %s, %d layers", p.model().modelType(), p.model().layers());
        say("tokenizer begins with %s, ends with %s", p.bos(), p.eos());
        say("template  %s", p.template());
        say("data      %s", p.data());
        Inspection i = p.inspection();
        say(
                "looked at %,d examples: %.1f %% of the tokens trained, one BOS in %.1f %%, end token trained in %.1f %%, %,d duplicates, %,d empty answers",
                i.examples(),
                percent(i.trainedTokens(), i.tokens()),
                percent(i.withOneBos(), i.examples()),
                percent(i.endTrained(), i.examples()),
                i.duplicates(),
                i.emptyAnswers());
        int most = i.lengths().values().stream().max(Integer::compare).orElse(1);
        i.lengths()
                .forEach(
                        (from, count) ->
                                say(
                                        "  %,6d .. %,6d tokens  %,7d %s",
                                        from,
                                        2 * from - 1,
                                        count,
                                        "#".repeat(Math.max(1, 40 * count / most))));
        adapter(p).lines().forEach(line -> say("adapter   %s", line));
        p.decisions().forEach(d -> say("chosen    %s", d));
        BillText.table(p.bill()).forEach(line -> say("%s", line));
        p.samples().forEach(this::sample);
        for (Finding f : p.findings()) {
            say("%-8s  %s", f.level(), f);
        }
        if (p.findings().isEmpty()) {
            say("nothing odd was found");
        }
    }

    /// Trained tokens are green on a terminal, and in brackets elsewhere.
    private void sample(List<Segment> pieces) {
        var text = new StringBuilder();
        int left = SHOWN;
        for (Segment piece : pieces) {
            String words = piece.text();
            String cut = words.length() > left ? words.substring(0, left) + " ..." : words;
            left -= Math.min(left, words.length());
            if (!piece.trained()) {
                text.append(cut);
            } else if (console.terminal()) {
                text.append(Ansi.ON.string("@|green " + cut.replace("|@", "| @") + "|@"));
            } else {
                text.append("[[").append(cut).append("]]");
            }
            if (left == 0) {
                break;
            }
        }
        say("%s", "-".repeat(72));
        console.out().println(text);
    }

    private static AdapterTable adapter(Preflight p) {
        return p.bill().job().tuning() instanceof Tuning.Lora(var lora)
                ? AdapterTable.of(lora, p.model())
                : new AdapterTable(List.of());
    }

    private static double percent(long part, long of) {
        return of == 0 ? 0 : 100.0 * part / of;
    }

    private void say(String format, Object... values) {
        console.out().println(Figures.format(format, values));
    }

    private static ObjectNode toJson(Preflight p) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("model_type", p.model().modelType())
                .put("chat_template", p.template())
                .put("bos", p.bos())
                .put("eos", p.eos())
                .put("data", p.data());
        Inspection i = p.inspection();
        root.put("examples", i.examples())
                .put("tokens", i.tokens())
                .put("trained_tokens", i.trainedTokens())
                .put("one_bos", i.withOneBos())
                .put("two_bos", i.withTwoBos())
                .put("end_trained", i.endTrained())
                .put("duplicates", i.duplicates())
                .put("empty_answers", i.emptyAnswers());
        ObjectNode lengths = root.putObject("lengths");
        i.lengths().forEach((from, count) -> lengths.put(String.valueOf(from), count));
        adapter(p).put(root.putArray("adapter"));
        root.put("memory_bytes", p.bill().anonymous());
        ArrayNode samples = root.putArray("samples");
        for (List<Segment> pieces : p.samples()) {
            ArrayNode sample = samples.addArray();
            pieces.forEach(
                    s -> sample.addObject().put("text", s.text()).put("trained", s.trained()));
        }
        ArrayNode findings = root.putArray("findings");
        for (Finding f : p.findings()) {
            findings.addObject()
                    .put("level", f.level().toString())
                    .put("key", f.key())
                    .put("text", f.text());
        }
        return root;
    }
}
