package dev.graft.config;

import java.nio.file.Path;

/// Where the run writes, where it begins, how often it logs.
///
/// @param force whether it runs even if the plan says that it cannot fit
public record OutputOptions(
        Path outputDir,
        boolean overwriteOutputDir,
        Resume resumeFromCheckpoint,
        int loggingSteps,
        boolean force) {
    public OutputOptions {
        Keys.OUTPUT_DIR.check(outputDir);
        Keys.LOGGING_STEPS.check(loggingSteps);
    }
}
