namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Which reasons accuse the other side, and how often each occurred. Thread-safe.</summary>
internal sealed class DisconnectReasons
{
    private readonly long[] counts = new long[Enum.GetValues<DisconnectReason>().Length];

    /// <summary>True for what no honest member of the chain does: it is banned for a while.</summary>
    public static bool IsMisbehaviour(DisconnectReason reason) => reason is DisconnectReason.NoHello
        or DisconnectReason.UnknownFrame or DisconnectReason.FrameTooLong or DisconnectReason.BadParts
        or DisconnectReason.MalformedMessage or DisconnectReason.BadSignature or DisconnectReason.Flooding
        or DisconnectReason.BadSnapshot;

    public void Count(DisconnectReason reason) => Interlocked.Increment(ref counts[(int)reason]);

    public long CountOf(DisconnectReason reason) => Interlocked.Read(ref counts[(int)reason]);
}
