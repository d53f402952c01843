package dev.graft.app.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/// The base model that comes with Graft, pretrained by `recipes/demo-base.yaml`.
public final class DemoBase {
    private static final List<String> FILES =
            List.of("model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json");

    private DemoBase() {}

    /// Unpacks the model as a Hugging Face folder.
    public static void unpack(Path folder) {
        try {
            Files.createDirectories(folder);
            for (String name : FILES) {
                Path part = folder.resolve(name + ".part");
                try (InputStream in = DemoBase.class.getResourceAsStream("/demo/base/" + name)) {
                    Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                }
                Files.move(part, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
