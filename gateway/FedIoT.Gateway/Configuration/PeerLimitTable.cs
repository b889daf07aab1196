using FedIoT.Gateway.Chain.Peering;

namespace FedIoT.Gateway.Configuration;

/// <summary>The table <c>[peering]</c>: what peers may cost. Every key may be left out.</summary>
internal static class PeerLimitTable
{
    /// <summary>Reads it.</summary>
    public static PeerLimits Read(TomlTable table)
    {
        var standard = new PeerLimits();
        TimeSpan Milliseconds(string key, int min, int max, TimeSpan fallback) =>
            TimeSpan.FromMilliseconds(table.Integer(key, min, max, (long)fallback.TotalMilliseconds));
        int Number(string key, int min, int max, int fallback) => (int)table.Integer(key, min, max, fallback);
        var limits = new PeerLimits
        {
            HandshakeMax = Milliseconds("handshake_max_ms", 1_000, 60_000, standard.HandshakeMax),
            SilenceMax = Milliseconds("silence_max_ms", 5_000, 600_000, standard.SilenceMax),
            HandshakesMax = Number("handshakes_max", 4, 1_024, standard.HandshakesMax),
            HandshakesPerAddressMax = Number(
                "handshakes_per_address_max", 1, 1_024, standard.HandshakesPerAddressMax),
            FollowersMax = Number("followers_max", 0, 256, standard.FollowersMax),
            BytesPerSecond = table.Integer("bytes_per_second", 1 << 20, 1 << 30, standard.BytesPerSecond),
            FramesPerSecond = table.Integer("frames_per_second", 1_000, 1_000_000, standard.FramesPerSecond),
            ServedBytesPerSecond = table.Integer(
                "served_bytes_per_second", 16 << 20, 1 << 30, standard.ServedBytesPerSecond),
            UselessPerSecond = table.Integer("useless_per_second", 256, 65_536, standard.UselessPerSecond),
            OffencesForgiven = Number("offences_forgiven", 0, 1_000, standard.OffencesForgiven),
            BanFirst = Milliseconds("ban_first_ms", 100, 60_000, standard.BanFirst),
            BanMax = Milliseconds("ban_max_ms", 1_000, 86_400_000, standard.BanMax),
        };
        if (limits.HandshakesPerAddressMax > limits.HandshakesMax)
        {
            table.Refuse("handshakes_per_address_max", $"at most handshakes_max, which is {limits.HandshakesMax}");
        }

        if (limits.BanMax < limits.BanFirst)
        {
            table.Refuse("ban_max_ms", $"at least ban_first_ms, which is {limits.BanFirst.TotalMilliseconds:0}");
        }

        return limits;
    }
}
