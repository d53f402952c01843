package dev.graft.tensor;

import dev.graft.error.ConfigException;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/// The NVIDIA cards of this machine, and whether this build can compute on them.
///
/// @param driver the CUDA version that the driver speaks, such as 13000 for 13.0; 0 without a
///     driver
/// @param cards those that the driver has, also where they cannot be used
/// @param hindrance why none can be used, with what to do about it
public record Cards(int driver, List<Card> cards, Optional<String> hindrance) {
    /// The oldest that libtorch's kernels are made for: Turing.
    public static final int OLDEST = 75;

    /// The oldest that multiplies in bfloat16: Ampere.
    private static final int BFLOAT16 = 80;

    /// The CUDA version that the natives are made with, whose later minor versions go with them.
    private static final int CUDA = 13000;

    /// One of them.
    ///
    /// @param memory in bytes, all of it
    /// @param capability compute capability times ten: 90 for 9.0
    public record Card(int index, String name, long memory, int capability) {
        public boolean multipliesBfloat16() {
            return capability >= BFLOAT16;
        }

        /// As NVIDIA writes it, `9.0`.
        public String capabilityText() {
            return capability / 10 + "." + capability % 10;
        }
    }

    public Cards {
        cards = List.copyOf(cards);
    }

    /// What this machine has, asked once. Loads the driver, and none of libtorch.
    public static Cards here() {
        return Here.CARDS;
    }

    private static final class Here {
        private static final Cards CARDS = CudaDriver.ask().judged(carriesNatives());
    }

    /// Whether this build has libtorch's CUDA half, as the profile `cuda` brings it.
    public static boolean carriesNatives() {
        String folder = "/org/bytedeco/pytorch/" + Loader.getPlatform() + "-gpu/";
        return Torch.class.getResource(folder + System.mapLibraryName("torch_cuda")) != null;
    }

    /// The same with the first thing that stands in the way, if one does.
    Cards judged(boolean natives) {
        return new Cards(driver, cards, Optional.ofNullable(why(natives)));
    }

    private String why(boolean natives) {
        if (hindrance.isPresent()) {
            return hindrance.get();
        }
        if (firstNewEnough().isEmpty()) {
            Card first = cards.getFirst();
            return "%s has compute capability %s, expected %d.%d or newer; there is no way around it"
                    .formatted(first.name(), first.capabilityText(), OLDEST / 10, OLDEST % 10);
        }
        if (driver < CUDA) {
            return "the driver speaks CUDA %s, expected %s or newer: install driver 580 or newer"
                    .formatted(version(driver), version(CUDA));
        }
        return natives
                ? null
                : "this build carries the natives for processors only: build it with `./graft --cuda`";
    }

    /// `13.0` for 13000.
    static String version(int cuda) {
        return cuda / 1000 + "." + cuda % 1000 / 10;
    }

    public String driverVersion() {
        return version(driver);
    }

    public boolean usable() {
        return hindrance.isEmpty();
    }

    /// The device for a setting `device`: `auto` for the first card that can be used, else the
    /// processor; or a device by its name.
    ///
    /// @throws ConfigException if the named one is not here or cannot be used; says why
    public Device choose(String wanted) {
        if (wanted.equals("auto")) {
            return usable() ? Device.cuda(firstNewEnough().orElseThrow().index()) : Device.CPU;
        }
        Device device = Device.of(wanted);
        if (device.isCpu()) {
            return device;
        }
        if (device.kind() == Device.Kind.META) {
            throw new ConfigException("device: found meta, expected auto, cpu, cuda or cuda:1");
        }
        if (hindrance.isPresent()) {
            throw new ConfigException(
                    "device: found %s, and there is no card to use: %s; device: cpu goes without"
                            .formatted(wanted, hindrance.get()));
        }
        card(device);
        return device;
    }

    private Optional<Card> firstNewEnough() {
        return cards.stream().filter(c -> c.capability() >= OLDEST).findFirst();
    }

    /// The card that is this device.
    public Card card(Device device) {
        return cards.stream()
                .filter(c -> c.index() == device.index())
                .findFirst()
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "device: found %s, expected one of %s"
                                                .formatted(device, names())));
    }

    private List<String> names() {
        return cards.stream().map(c -> Device.cuda(c.index()).toString()).toList();
    }
}
