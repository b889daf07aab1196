using FedIoT.Wire;

namespace FedIoT.Gateway.Configuration;

/// <summary>Another gateway of the chain.</summary>
/// <param name="Account">Its node key's account.</param>
/// <param name="Host">Name or IP address.</param>
/// <param name="Port">Its chain port.</param>
/// <param name="Place">Where it stands.</param>
internal sealed record PeerAddress(AccountId Account, string Host, int Port, TextPlace Place)
{
    /// <summary><c>host:port</c>, an IPv6 address in brackets.</summary>
    public string Text => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>Splits <c>host:port</c>; false for anything else.</summary>
    public static bool TrySplit(string text, out string host, out int port)
    {
        host = string.Empty;
        int colon = text.LastIndexOf(':');
        if (!int.TryParse(text[(colon + 1)..], System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out port) || port is < 1 or > 65_535 || colon < 1)
        {
            return false;
        }

        string head = text[..colon];
        bool isBracketed = head.StartsWith('[') && head.EndsWith(']');
        host = isBracketed ? head[1..^1] : head;
        return Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4
            || (isBracketed && Uri.CheckHostName(host) == UriHostNameType.IPv6);
    }
}
