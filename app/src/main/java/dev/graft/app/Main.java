package dev.graft.app;

import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// The command line. The only place that ends the process.
@Command(
        name = "graft",
        header = "LoRA fine-tuning of language models on the JVM.",
        description = "%n`graft COMMAND --help` explains a command.",
        synopsisSubcommandLabel = "COMMAND",
        versionProvider = Version.class)
@SuppressWarnings("UnusedVariable") // picocli acts on these options by itself
public final class Main implements Runnable {
    @Spec private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the version.")
    private boolean version;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Show the stack trace of an error (also: GRAFT_DEBUG=1).")
    private boolean debug;

    private Main() {}

    static void main(String[] args) {
        Console console = Console.system();
        int code = run(console, args);
        console.interruption().finished();
        System.exit(code);
    }

    /// Runs one command line; the result is the exit code of the process.
    static int run(Console console, String... args) {
        boolean debug =
                Arrays.asList(args).contains("--debug") || "1".equals(System.getenv("GRAFT_DEBUG"));
        var failures = new Failures(console, debug);
        try {
            return commandLine(console, failures).execute(args);
        } catch (Error e) {
            return failures.report(e);
        }
    }

    static CommandLine commandLine(Console console, Failures failures) {
        var root = new CommandLine(new Main());
        var train = new CommandLine(new TrainCommand(console));
        ConfigOptions.addTo(train.getCommandSpec());
        var plan = new CommandLine(new PlanCommand(console));
        ConfigOptions.addTo(plan.getCommandSpec());
        var inspect = new CommandLine(new InspectCommand(console));
        ConfigOptions.addTo(inspect.getCommandSpec());
        root.addSubcommand(new PullCommand(console))
                .addSubcommand(train)
                .addSubcommand(inspect)
                .addSubcommand(plan)
                .addSubcommand(new GenerateCommand(console))
                .addSubcommand(new ChatCommand(console))
                .addSubcommand(new EvalCommand(console))
                .addSubcommand(new RenderCommand(console))
                .addSubcommand(new MergeCommand(console))
                .addSubcommand(new QuantizeCommand(console))
                .addSubcommand(new InitCommand(console))
                .addSubcommand(new DemoCommand(console))
                .addSubcommand(new DemoCorpusCommand(console))
                .addSubcommand(new DoctorCommand(console))
                .addSubcommand(new LogitsCommand(console));
        train.setUnmatchedArgumentsAllowed(true);
        plan.setUnmatchedArgumentsAllowed(true);
        CommandGroups.showIn(root);
        return root.setOut(console.outWriter())
                .setErr(console.errWriter())
                .setColorScheme(CommandLine.Help.defaultColorScheme(console.ansi()))
                .setUsageHelpWidth(Math.clamp(console.columns(), 80, 110))
                .setUsageHelpLongOptionsMaxWidth(44)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, _) -> failures.usage(e))
                .setExecutionExceptionHandler((e, _, _) -> failures.report(e));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing command");
    }
}
