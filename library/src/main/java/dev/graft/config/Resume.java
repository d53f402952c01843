package dev.graft.config;

import java.nio.file.Path;

/// Where a run begins: anew, at the newest checkpoint of its output folder, or at a named one.
public sealed interface Resume {
    /// A new run.
    record Fresh() implements Resume {
        @Override
        public String toString() {
            return "false";
        }
    }

    /// The newest checkpoint in `output_dir`.
    record Latest() implements Resume {
        @Override
        public String toString() {
            return "true";
        }
    }

    /// This checkpoint folder.
    record From(Path checkpoint) implements Resume {
        @Override
        public String toString() {
            return checkpoint.toString();
        }
    }

    /// Reads `true`, `false` or a path.
    static Resume parse(String text) {
        return switch (text) {
            case "true" -> new Latest();
            case "false" -> new Fresh();
            default -> new From(Path.of(text));
        };
    }
}
