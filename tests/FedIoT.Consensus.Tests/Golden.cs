namespace FedIoT.Consensus.Tests;

/// <summary>Bytes of protocol version 1. A change here is a change of the protocol.</summary>
internal static class Golden
{
    public const string Precommit = "";
    public const string NilPrevote = "";
    public const string Proposal = "";
    public const string FirstHeader = "";
    public const string FirstHash = "";
    public const string SecondHash = "";
    public const string SecondBlock = "";
    public const string ValidatorsHash = "";
}
