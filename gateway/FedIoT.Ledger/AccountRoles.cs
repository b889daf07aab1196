namespace FedIoT.Ledger;

/// <summary>What an account may do. One key can have several roles.</summary>
[Flags]
public enum AccountRoles
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Owns devices and takes part in rounds.</summary>
    Gateway = 1,

    /// <summary>Votes on blocks.</summary>
    Validator = 2,

    /// <summary>Admits gateways and creates tasks.</summary>
    Administrator = 4,
}
