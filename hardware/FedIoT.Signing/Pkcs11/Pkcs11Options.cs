using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Pkcs11;

/// <summary>Which key of which token. A slot's number changes when a token is plugged elsewhere; a label does
/// not.</summary>
public sealed record Pkcs11Options
{
    /// <summary>The vendor's library, such as <c>/usr/lib/softhsm/libsofthsm2.so</c>.</summary>
    public required string ModulePath { get; init; }

    /// <summary>Label of the token; null when <see cref="Slot"/> names it.</summary>
    public string? TokenLabel { get; init; }

    /// <summary>Number of the slot; null when <see cref="TokenLabel"/> names the token.</summary>
    public ulong? Slot { get; init; }

    /// <summary>Label of the private key and of its public half.</summary>
    public required string KeyLabel { get; init; }

    /// <summary>Where the PIN comes from; null for a token that asks for none.</summary>
    public SecretSource? Pin { get; init; }

    /// <summary>What a new key is for; an existing key says that itself.</summary>
    public SignatureAlgorithm NewKeyAlgorithm { get; init; } = SignatureAlgorithm.Es256;

    /// <summary>Token and key, for messages.</summary>
    public override string ToString() =>
        $"key '{KeyLabel}' of token {(TokenLabel is null ? $"in slot {Slot}" : $"'{TokenLabel}'")}";
}
