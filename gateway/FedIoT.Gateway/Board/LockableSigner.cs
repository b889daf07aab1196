using System.Formats.Cbor;
using System.Text;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Board;

/// <summary>
/// A key behind the <see cref="SigningLock"/>. Locked, it signs nothing that counts on the chain: no vote, proposal,
/// transaction or delta. What lets peers connect is signed still, so that a locked gateway follows the chain.
/// </summary>
/// <remarks>Thread-safe when the key is. Disposing it does not dispose the key.</remarks>
internal sealed class LockableSigner(ISigner inner, SigningLock signingLock) : ISigner
{
    private static readonly byte[][] ConnectionRoles =
        [Encoding.ASCII.GetBytes(NodeBinding.Role), Encoding.ASCII.GetBytes(PeerAddress.Role)];

    /// <inheritdoc/>
    public VerifyingKey PublicKey => inner.PublicKey;

    /// <inheritdoc/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signingLock.Reason is not null && !IsAboutAConnection(message))
        {
            signingLock.ThrowIfEngaged();
        }

        inner.Sign(message, signature);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // the key belongs to whoever opened it
    }

    // Sig_structure: ["Signature1", protected, external data, payload]; the external data is the role.
    private static bool IsAboutAConnection(ReadOnlySpan<byte> message)
    {
        try
        {
            var reader = new CborReader(message.ToArray(), CborConformanceMode.Canonical);
            if (reader.ReadStartArray() != 4)
            {
                return false;
            }

            reader.SkipValue();
            reader.SkipValue();
            byte[] role = reader.ReadByteString();
            return ConnectionRoles.Any(r => r.AsSpan().SequenceEqual(role));
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException)
        {
            return false;
        }
    }
}
