package dev.graft.model;

/// How rotary frequencies are stretched for contexts longer than those of pretraining.
public sealed interface RopeScaling {

    /// The frequencies of Su et al. 2021, unchanged.
    record Default() implements RopeScaling {}

    /// All frequencies divided by the factor (Chen et al. 2023).
    record Linear(double factor) implements RopeScaling {}

    /// Llama 3.1: long wavelengths divided by the factor, short ones kept, a ramp between.
    record Llama3(double factor, double lowFrequency, double highFrequency, double originalContext)
            implements RopeScaling {
        private float[] stretch(float[] plain) {
            double longest = originalContext / lowFrequency;
            double shortest = originalContext / highFrequency;
            float[] stretched = plain.clone();
            for (int i = 0; i < plain.length; i++) {
                double wavelength = 2 * Math.PI / plain[i];
                if (wavelength > longest) {
                    stretched[i] = (float) (plain[i] / factor);
                } else if (wavelength >= shortest) {
                    double kept =
                            (originalContext / wavelength - lowFrequency)
                                    / (highFrequency - lowFrequency);
                    stretched[i] = (float) ((1 - kept) * plain[i] / factor + kept * plain[i]);
                }
            }
            return stretched;
        }
    }

    /// The D/2 angles per position, in float32 as Transformers computes them.
    ///
    /// @param width D, the rotated part of a head
    default float[] inverseFrequencies(double theta, int width) {
        float[] plain = new float[width / 2];
        for (int i = 0; i < plain.length; i++) {
            plain[i] = (float) (1.0 / (float) Math.pow(theta, (float) (2 * i) / width));
        }
        return switch (this) {
            case Default() -> plain;
            case Linear(double factor) -> {
                for (int i = 0; i < plain.length; i++) {
                    plain[i] = (float) (plain[i] / factor);
                }
                yield plain;
            }
            case Llama3 scaling -> scaling.stretch(plain);
        };
    }
}
