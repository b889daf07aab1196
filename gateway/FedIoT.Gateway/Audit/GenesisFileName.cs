namespace FedIoT.Gateway.Audit;

/// <summary>The file of a state directory that holds the chain's genesis, deterministic CBOR.</summary>
public static class GenesisFileName
{
    /// <summary>Its name.</summary>
    public const string Text = "genesis.cbor";
}
