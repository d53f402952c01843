package dev.graft.config;

import java.nio.file.Path;

/// Where the run writes, where it begins, how often it logs.
public record OutputOptions(
        Path outputDir, boolean overwriteOutputDir, Resume resumeFromCheckpoint, int loggingSteps) {
    public OutputOptions {
        Keys.OUTPUT_DIR.check(outputDir);
        Keys.LOGGING_STEPS.check(loggingSteps);
    }
}
