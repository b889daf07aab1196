using System.Formats.Cbor;
using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// Mutual authentication at the start of a connection: both sides name chain, version, account and a fresh nonce,
/// then each signs both hellos with its node key. Only members of the validator set get further.
/// </summary>
/// <remarks>
/// It proves who opened the connection, not that every later byte is theirs; every message that matters carries its
/// own signature. A TLS stream can be put underneath without a change here.
/// </remarks>
internal sealed class PeerHandshake(string chainId, ISigner signer, ValidatorSet validators)
{
    /// <summary>Version of frames and handshake.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>External data of the signature.</summary>
    public const string Role = "fediot/1 peer";

    private const int NonceBytes = 32;

    /// <summary>Runs the handshake; the peer's account, or null with a reason.</summary>
    /// <param name="stream">A connected stream.</param>
    /// <param name="reader">Reader of that stream.</param>
    /// <param name="isDialer">True on the side that opened the connection.</param>
    /// <param name="cancellationToken">Bounds the whole exchange.</param>
    public async Task<(AccountId? Peer, string Reason)> RunAsync(
        Stream stream, FrameReader reader, bool isDialer, CancellationToken cancellationToken)
    {
        byte[] ownHello = EncodeHello(RandomNumberGenerator.GetBytes(NonceBytes));
        await WriteAsync(stream, FrameType.Hello, ownHello, cancellationToken).ConfigureAwait(false);
        if (await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            is not { Type: FrameType.Hello } peerHello)
        {
            return (null, "no hello");
        }

        if (DecodeHello(peerHello.Payload) is not { } hello)
        {
            return (null, "malformed hello");
        }

        string? refusal = RefusalOf(hello);
        if (refusal is not null)
        {
            return (null, refusal);
        }

        // The dialler proves itself first: a stranger cannot make a listener's slow chip sign.
        byte[] theirHello = peerHello.Payload.ToArray();
        if (isDialer)
        {
            await SendProofAsync(stream, isDialer, ownHello, theirHello, cancellationToken).ConfigureAwait(false);
        }

        if (await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            is not { Type: FrameType.Authentication } proof)
        {
            return (null, "no authentication");
        }

        VerifyingKey key = validators[validators.IndexOf(hello.Account)].Key;
        if (!key.Verify(SignBytes(key, !isDialer, theirHello, ownHello), proof.Payload.Span))
        {
            return (null, "bad signature");
        }

        if (!isDialer)
        {
            await SendProofAsync(stream, isDialer, ownHello, theirHello, cancellationToken).ConfigureAwait(false);
        }

        return (hello.Account, string.Empty);
    }

    // Side, own hello, other hello: a signature cannot be reflected, replayed or moved to another connection.
    private static byte[] SignBytes(
        VerifyingKey key, bool isDialer, ReadOnlySpan<byte> ownHello, ReadOnlySpan<byte> peerHello)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(3);
        writer.WriteInt32(isDialer ? 1 : 2);
        writer.WriteByteString(ownHello);
        writer.WriteByteString(peerHello);
        writer.WriteEndArray();
        return CoseSign1.SignBytes(key, Role, writer.Encode());
    }

    private static async ValueTask WriteAsync(
        Stream stream, FrameType type, byte[] payload, CancellationToken cancellationToken)
    {
        var bytes = new byte[Frame.HeaderBytes + payload.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes, payload.Length);
        bytes[4] = (byte)type;
        payload.CopyTo(bytes.AsSpan(Frame.HeaderBytes));
        await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask SendProofAsync(
        Stream stream, bool isDialer, byte[] ownHello, byte[] theirHello, CancellationToken cancellationToken)
    {
        var signature = new byte[VerifyingKey.SignatureLength];
        byte[] bytes = SignBytes(signer.PublicKey, isDialer, ownHello, theirHello);
        await Task.Run(() => signer.Sign(bytes, signature), cancellationToken).ConfigureAwait(false);
        await WriteAsync(stream, FrameType.Authentication, signature, cancellationToken).ConfigureAwait(false);
    }

    private static Hello? DecodeHello(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 4)
            {
                return null;
            }

            int version = reader.ReadInt32();
            string chain = reader.ReadTextString();
            ReadOnlyMemory<byte> account = reader.ReadDefiniteLengthByteString();
            ReadOnlyMemory<byte> nonce = reader.ReadDefiniteLengthByteString();
            reader.ReadEndArray();
            return account.Length == Hash256.Length && nonce.Length == NonceBytes && reader.BytesRemaining == 0
                ? new Hello(version, chain, new AccountId(new Hash256(account.Span)))
                : null;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            return null; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }

    private byte[] EncodeHello(byte[] nonce)
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(4);
        writer.WriteInt32(ProtocolVersion);
        writer.WriteTextString(chainId);
        writer.WriteByteString(signer.PublicKey.Account.Value.ToArray());
        writer.WriteByteString(nonce);
        writer.WriteEndArray();
        return writer.Encode();
    }

    private string? RefusalOf(Hello hello)
    {
        if (hello.Version != ProtocolVersion)
        {
            return "another protocol version";
        }

        if (hello.ChainId != chainId)
        {
            return "another chain";
        }

        if (hello.Account == signer.PublicKey.Account)
        {
            return "this node itself";
        }

        return validators.IndexOf(hello.Account) < 0 ? "not a validator" : null;
    }

    private sealed record Hello(int Version, string ChainId, AccountId Account);
}
