package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `graft doctor`: what this machine offers, and what is wrong with it.
@Command(
        name = "doctor",
        sortOptions = false,
        header = "What this machine offers, measured, and what is wrong with it.",
        abbreviateSynopsis = true)
final class DoctorCommand implements Callable<Integer> {
    private final Console console;

    @Option(names = "--json", description = "One JSON object on standard output.")
    private boolean json;

    DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        Diagnosis diagnosis = Diagnosis.make();
        if (json) {
            var object = JsonNodeFactory.instance.objectNode();
            diagnosis.findings().forEach(f -> object.putPOJO(f.key(), f.value()));
            diagnosis.problems().forEach(object.putArray("problems")::add);
            console.json(object);
        } else {
            diagnosis.findings().stream()
                    .filter(f -> !f.text().isEmpty())
                    .forEach(f -> console.out().printf("%-12s %s%n", f.name(), f.text()));
            diagnosis.problems().forEach(p -> console.out().println("problem      " + p));
            if (diagnosis.problems().isEmpty()) {
                console.out().println("No problems found.");
            }
        }
        return 0;
    }
}
