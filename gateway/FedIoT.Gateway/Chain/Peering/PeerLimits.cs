namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Bounds on what one peer, or one address, may cost. docs/spec/peering.md §6.</summary>
internal sealed record PeerLimits
{
    /// <summary>For the first packets of a connection that this node dials.</summary>
    public TimeSpan ConnectMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection is gone when the other side's kernel acknowledges nothing for so long.</summary>
    public TimeSpan UnacknowledgedMax { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>TLS and hello together.</summary>
    public TimeSpan HandshakeMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A peer sends its status every stall interval; without a complete frame for so long it is gone.
    /// </summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections that may be half way in at the same time: one for each possible validator.</summary>
    public int HandshakesMax { get; init; } = 64;

    /// <summary>Of these from one address (IPv6: one /64).</summary>
    public int HandshakesPerAddressMax { get; init; } = 16;

    /// <summary>Bytes a second that are read from a peer; more waits in its socket.</summary>
    public long BytesPerSecond { get; init; } = 128 << 20;

    /// <summary>Frames a second that are read from a peer; more waits in its socket.</summary>
    public long FramesPerSecond { get; init; } = 65_536;

    /// <summary>Bytes a second that a peer is served on request; a request beyond is not answered.</summary>
    public long ServedBytesPerSecond { get; init; } = 64 << 20;

    /// <summary>Messages a second that say nothing new; more ends the connection. Late votes are such, honestly.
    /// </summary>
    public long UselessPerSecond { get; init; } = 2_048;

    /// <summary>Peers that follow without voting, at the same time.</summary>
    public int FollowersMax { get; init; } = 64;

    /// <summary>Offences of an address that is not a peer's before it is banned: scanners and typing errors.</summary>
    public int OffencesForgiven { get; init; } = 8;

    /// <summary>First ban; doubles with each further offence, with jitter.</summary>
    public TimeSpan BanFirst { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest ban.</summary>
    public TimeSpan BanMax { get; init; } = TimeSpan.FromMinutes(5);
}
