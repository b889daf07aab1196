namespace FedIoT.Consensus;

/// <summary>One validator's precommit in a commit.</summary>
/// <param name="ValidatorIndex">Position in the set of the height.</param>
/// <param name="Signature">64 bytes over the precommit's sign bytes.</param>
public sealed record CommitSignature(int ValidatorIndex, ReadOnlyMemory<byte> Signature);
