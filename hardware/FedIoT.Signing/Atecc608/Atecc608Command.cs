namespace FedIoT.Signing.Atecc608;

/// <summary>
/// A command with its times. The longest time covers all three clock divider settings of the 608 (the slowest, M2,
/// signs in 665 ms), so a chip that was configured for low power works too; polling starts after the shortest.
/// </summary>
/// <param name="Name">For messages.</param>
/// <param name="Opcode">First byte after the count.</param>
/// <param name="FirstPollMs">Milliseconds before asking for the answer; until then the chip does not
/// acknowledge.</param>
/// <param name="TimeMaxMs">Milliseconds after which it will not answer any more.</param>
internal sealed record Atecc608Command(string Name, byte Opcode, int FirstPollMs, int TimeMaxMs)
{
    public static readonly Atecc608Command Read = new("Read", 0x02, 1, 10);
    public static readonly Atecc608Command Write = new("Write", 0x12, 7, 90);
    public static readonly Atecc608Command Nonce = new("Nonce", 0x16, 2, 40);
    public static readonly Atecc608Command Lock = new("Lock", 0x17, 8, 70);
    public static readonly Atecc608Command Random = new("Random", 0x1B, 5, 60);
    public static readonly Atecc608Command Counter = new("Counter", 0x24, 5, 60);
    public static readonly Atecc608Command Info = new("Info", 0x30, 1, 10);
    public static readonly Atecc608Command GenKey = new("GenKey", 0x40, 30, 700);
    public static readonly Atecc608Command Sign = new("Sign", 0x41, 30, 700);
}
