package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.hub.CachedModels;
import dev.graft.hub.HubSettings;
import dev.graft.hub.Pull;
import dev.graft.hub.Pulled;
import dev.graft.hub.RepoId;
import java.nio.file.Files;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `graft pull`: a model from the hub into the cache.
@Command(
        name = "pull",
        sortOptions = false,
        header = "Fetch a model or an adapter from the Hugging Face hub.",
        description = {
            "%nFetches safetensors, configs, tokenizer and chat templates into the cache that"
                    + " Transformers uses too; every other command then takes org/name for a"
                    + " folder. What was cut off is gone on from; every file is checked by its"
                    + " hash.",
            "%nExample: graft pull Qwen/Qwen3-0.6B"
        },
        footer =
                "%nEnvironment: HF_TOKEN (or the token file of `hf auth login`), HF_HOME,"
                        + " HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE.",
        abbreviateSynopsis = true)
final class PullCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(
            index = "0",
            paramLabel = "org/name",
            description = "The model, as in the address of its page.")
    private String model;

    @Option(
            names = "--revision",
            paramLabel = "REV",
            defaultValue = CachedModels.MAIN,
            description = "Branch, tag or commit (default ${DEFAULT-VALUE}).")
    private String revision;

    @Option(names = "--json", description = "One JSON object on standard output at the end.")
    private boolean json;

    PullCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        var display = new PullDisplay(console, console.human(json));
        Pulled pulled = new Pull(HubSettings.system(), display).run(new RepoId(model), revision);
        if (json) {
            console.json(
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("path", pulled.folder().toString())
                            .put("commit", pulled.commit())
                            .put("files", pulled.files())
                            .put("bytes", pulled.bytes()));
            return 0;
        }
        boolean isModel = Files.exists(pulled.folder().resolve("config.json"));
        console.out().println((isModel ? "model:   " : "adapter: ") + pulled.folder());
        console.out()
                .println(
                        "try it:  %s generate %s --prompt '...'"
                                .formatted(
                                        Console.command(),
                                        isModel ? asModel() : "--adapter " + model));
        return 0;
    }

    private String asModel() {
        return revision.equals(CachedModels.MAIN)
                ? "--model " + model
                : "--model %s --model-revision %s".formatted(model, revision);
    }
}
