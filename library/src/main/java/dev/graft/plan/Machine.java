package dev.graft.plan;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/// The memory that there is.
public final class Machine {
    private Machine() {}

    /// Bytes of memory of this machine, or of the container (control group) that the process runs
    /// in where that has less.
    public static long memory() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getTotalMemorySize();
    }
}
