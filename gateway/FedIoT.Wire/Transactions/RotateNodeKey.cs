using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Wire.Transactions;

/// <summary>
/// Puts another node key in the place of the signer's. Signed by the old key (its consent); <see cref="Proof"/> shows
/// that whoever sends it has the new one. Format: docs/spec/transactions.md "Change of a node key".
/// </summary>
/// <param name="NewKey">The node key from now on.</param>
/// <param name="Proof">Signature by the new key over <see cref="ProofSignBytes"/>, 64 bytes.</param>
public sealed record RotateNodeKey(VerifyingKey NewKey, ReadOnlyMemory<byte> Proof) : TransactionBody
{
    /// <summary>External data of the proof's signature.</summary>
    public const string ProofRole = "fediot/1 rotate";

    /// <inheritdoc/>
    public override TransactionType Type => TransactionType.RotateNodeKey;

    /// <summary>What the new key signs: it ties the new key to one account, one old key and one transaction.</summary>
    /// <param name="chainId">The chain.</param>
    /// <param name="account">Whose key changes.</param>
    /// <param name="oldKey">The key that signs the transaction.</param>
    /// <param name="newKey">The key that comes in its place, and signs this.</param>
    /// <param name="nonce">Nonce of the transaction.</param>
    public static byte[] ProofSignBytes(
        string chainId, AccountId account, VerifyingKey oldKey, VerifyingKey newKey, ulong nonce)
    {
        ArgumentNullException.ThrowIfNull(oldKey);
        ArgumentNullException.ThrowIfNull(newKey);
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(6);
        writer.WriteInt32(1);
        writer.WriteTextString(chainId);
        writer.WriteByteString(account.Value.ToArray());
        WriteKey(writer, oldKey);
        WriteKey(writer, newKey);
        writer.WriteUInt64(nonce);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(newKey, ProofRole, writer.Encode());
    }

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(2);
        WriteKey(writer, NewKey);
        writer.WriteByteString(Proof.Span);
        writer.WriteEndArray();
    }
}
