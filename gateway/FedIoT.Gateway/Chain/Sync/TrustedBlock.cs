using System.Globalization;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>A block that somebody trustworthy named, so that a new node need not execute what came before it.</summary>
/// <param name="Height">Its height, at least 1.</param>
/// <param name="Hash">Its hash.</param>
public sealed record TrustedBlock(Height Height, Hash256 Hash)
{
    /// <summary>Reads <c>HEIGHT:HASH</c>, the hash in 64 hexadecimal digits.</summary>
    public static bool TryParse(string text, out TrustedBlock? block)
    {
        ArgumentNullException.ThrowIfNull(text);
        block = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 1
            || !long.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out long height)
            || height is < 1 or long.MaxValue || !Hash256.TryParse(text[(colon + 1)..], out Hash256 hash))
        {
            return false;
        }

        block = new TrustedBlock(new Height(height), hash);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Height}:{Hash}";
}
