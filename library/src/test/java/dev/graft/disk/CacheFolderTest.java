package dev.graft.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheFolderTest {
    @Test
    void isThatOfTheEnvironmentOrOfTheUser() {
        assertThat(CacheFolder.of(Map.of("GRAFT_CACHE", "/c"), "/home/u")).isEqualTo(Path.of("/c"));
        assertThat(CacheFolder.of(Map.of("XDG_CACHE_HOME", "/x"), "/home/u"))
                .isEqualTo(Path.of("/x/graft"));
        assertThat(CacheFolder.of(Map.of(), "/home/u")).isEqualTo(Path.of("/home/u/.cache/graft"));
    }
}
