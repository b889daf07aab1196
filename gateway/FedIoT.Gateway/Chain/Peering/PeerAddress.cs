using System.Formats.Cbor;
using System.Net;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Where a member listens, in its own words: signed by its node key, passed on by everybody.</summary>
/// <param name="Account">Whose address.</param>
/// <param name="Sequence">Milliseconds since 1970 at signing; the highest counts.</param>
/// <param name="EndPoint">Address and port.</param>
/// <param name="Signature">64 bytes.</param>
internal sealed record PeerAddress(
    AccountId Account, long Sequence, IPEndPoint EndPoint, ReadOnlyMemory<byte> Signature)
{
    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 address";

    /// <summary>Signs an address.</summary>
    /// <exception cref="SignerException">The node key did not sign.</exception>
    public static PeerAddress Create(string chainId, ISigner signer, long sequence, IPEndPoint endPoint)
    {
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(SignBytes(chainId, signer.PublicKey, sequence, endPoint), signature);
        return new PeerAddress(signer.PublicKey.Account, sequence, endPoint, signature);
    }

    /// <summary><c>[account, sequence, address bytes, port, signature]</c>.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(5);
        writer.WriteByteString(Account.Value.ToArray());
        writer.WriteInt64(Sequence);
        writer.WriteByteString(EndPoint.Address.GetAddressBytes());
        writer.WriteInt32(EndPoint.Port);
        writer.WriteByteString(Signature.Span);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads one without verifying it; null for anything but the canonical form.</summary>
    public static PeerAddress? Decode(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 5)
            {
                return null;
            }

            ReadOnlyMemory<byte> account = reader.ReadDefiniteLengthByteString();
            long sequence = reader.ReadInt64();
            ReadOnlyMemory<byte> address = reader.ReadDefiniteLengthByteString();
            int port = reader.ReadInt32();
            ReadOnlyMemory<byte> signature = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            return reader.BytesRemaining == 0 && account.Length == Hash256.Length && sequence >= 0
                && address.Length is 4 or 16 && port is >= 1 and <= ushort.MaxValue
                ? new PeerAddress(
                    new AccountId(new Hash256(account.Span)), sequence,
                    new IPEndPoint(new IPAddress(address.Span), port), signature)
                : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return null; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    /// <summary>True when this key, which is the account's, signed this for this chain.</summary>
    public bool Verify(string chainId, VerifyingKey key) =>
        key.Account == Account && key.Verify(SignBytes(chainId, key, Sequence, EndPoint), Signature.Span);

    private static byte[] SignBytes(string chainId, VerifyingKey key, long sequence, IPEndPoint endPoint)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(4);
        writer.WriteTextString(chainId);
        writer.WriteInt64(sequence);
        writer.WriteByteString(endPoint.Address.GetAddressBytes());
        writer.WriteInt32(endPoint.Port);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(key, Role, writer.Encode());
    }
}
