namespace FedIoT.Signing.Atecc608;

/// <summary>Where a key is.</summary>
/// <param name="Bus">I2C bus: 1 is <c>/dev/i2c-1</c>.</param>
/// <param name="Address">7-bit address of the chip.</param>
/// <param name="Slot">0-15.</param>
public sealed record Atecc608Address(int Bus, int Address, int Slot);
