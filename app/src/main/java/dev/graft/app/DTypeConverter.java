package dev.graft.app;

import dev.graft.error.ConfigException;
import dev.graft.tensor.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// A type by its name in PyTorch.
final class DTypeConverter implements ITypeConverter<DType> {
    @Override
    public DType convert(String value) {
        try {
            return DType.ofTorchName(value);
        } catch (ConfigException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
