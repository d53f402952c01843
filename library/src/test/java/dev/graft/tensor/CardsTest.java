package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.graft.error.ConfigException;
import dev.graft.tensor.Cards.Card;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CardsTest {
    private static final Card HOPPER = new Card(1, "NVIDIA H200", 150L << 30, 90);
    private static final Card TURING = new Card(0, "NVIDIA T4", 16L << 30, 75);
    private static final Card PASCAL = new Card(0, "NVIDIA P100", 16L << 30, 60);

    private static Cards found(int driver, Card... cards) {
        return new Cards(driver, List.of(cards), Optional.empty());
    }

    @Test
    void autoIsTheFirstCardThatCanBeUsed() {
        assertThat(found(13000, PASCAL, HOPPER).judged(true).choose("auto"))
                .isEqualTo(Device.cuda(1));
        assertThat(found(13000, TURING).judged(true).choose("auto")).isEqualTo(Device.cuda(0));
        assertThat(found(13000, TURING).judged(true).choose("cpu")).isEqualTo(Device.CPU);
    }

    @Test
    void withoutOneAutoIsTheProcessor() {
        for (Cards cards :
                List.of(
                        new Cards(0, List.of(), Optional.of("no driver")),
                        found(13000, PASCAL),
                        found(12080, HOPPER))) {
            assertThat(cards.judged(true).choose("auto")).isEqualTo(Device.CPU);
        }
        assertThat(found(13000, HOPPER).judged(false).choose("auto")).isEqualTo(Device.CPU);
    }

    @Test
    void whatStandsInTheWayIsSaidInWords() {
        assertThat(found(13000, PASCAL).judged(true).hindrance().orElseThrow())
                .isEqualTo(
                        "NVIDIA P100 has compute capability 6.0, expected 7.5 or newer; there is no way around it");
        assertThat(found(12080, HOPPER).judged(true).hindrance().orElseThrow())
                .isEqualTo(
                        "the driver speaks CUDA 12.8, expected 13.0 or newer: install driver 580 or newer");
        assertThat(found(13000, HOPPER).judged(false).hindrance().orElseThrow())
                .contains("./graft --cuda");
        assertThat(found(13020, HOPPER).judged(true).hindrance()).isEmpty();
    }

    @Test
    void aNamedCardMustBeThereAndUsable() {
        Cards here = found(13000, TURING, HOPPER).judged(true);
        assertThat(here.choose("cuda:1")).isEqualTo(Device.cuda(1));
        assertThatThrownBy(() -> here.choose("cuda:2"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found cuda:2, expected one of [cuda:0, cuda:1]");
        assertThatThrownBy(() -> here.choose("meta")).hasMessageContaining("found meta");
        Cards none = found(13000, HOPPER).judged(false);
        assertThatThrownBy(() -> none.choose("cuda"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found cuda, and there is no card to use")
                .hasMessageContaining("device: cpu goes without");
    }

    @Test
    void bfloat16BeganWithAmpere() {
        assertThat(TURING.multipliesBfloat16()).isFalse();
        assertThat(HOPPER.multipliesBfloat16()).isTrue();
        assertThat(HOPPER.capabilityText()).isEqualTo("9.0");
    }

    @Test
    void aMachineWithoutADriverSaysSo() {
        Cards here = Cards.here();
        assumeThat(here.driver()).as("no NVIDIA driver here").isZero();
        assertThat(here.usable()).isFalse();
        assertThat(here.hindrance().orElseThrow()).startsWith("no NVIDIA driver: its library");
    }
}
