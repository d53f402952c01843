package dev.graft.app.demo;

import dev.graft.app.demo.Words.Syllables;
import java.util.List;

/// First names: a few hundred known ones, and made-up ones that can only be copied, not remembered.
///
/// One made-up name in eight is reserved: neither the corpus nor the training rows ever use it.
record Names(List<String> known, Syllables syllables) {

    private static final int RESERVED_OUT_OF = 8;

    static boolean reserved(String name) {
        return Math.floorMod(name.hashCode() * 31 + 7, RESERVED_OUT_OF) == 0;
    }

    String any(Dice dice) {
        return dice.chance(0.3) ? dice.pick(known) : madeUp(dice, false);
    }

    String madeUp(Dice dice, boolean reserved) {
        String name;
        do {
            String middle = dice.chance(0.5) ? dice.pick(syllables.middles()) : "";
            name = dice.pick(syllables.starts()) + middle + dice.pick(syllables.ends());
        } while (reserved(name) != reserved || known.contains(name));
        return name;
    }
}
