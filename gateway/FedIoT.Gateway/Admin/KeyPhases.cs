namespace FedIoT.Gateway.Admin;

/// <summary>Where a node key stands, as the admin API says it.</summary>
internal static class KeyPhases
{
    /// <summary>The chain does not know the account.</summary>
    public const string Unknown = "unknown";

    /// <summary>Nothing changes.</summary>
    public const string Steady = "steady";

    /// <summary>A change or revocation was handed to the chain; no block has it yet.</summary>
    public const string Waiting = "waiting";

    /// <summary>A block has the change; the old key still votes.</summary>
    public const string Changing = "changing";

    /// <summary>The new key is in use; the old one can be removed.</summary>
    public const string Changed = "changed";

    /// <summary>The account's key is none of this gateway's.</summary>
    public const string Foreign = "foreign";

    /// <summary>The key signs nothing any more.</summary>
    public const string Revoked = "revoked";
}
