using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Training;

/// <summary>
/// Signs this gateway's transactions with its present node key and hands them to the node in the order of their nonces.
/// Thread-safe: one transaction at a time.
/// </summary>
/// <param name="chainId">Chain that the transactions are for.</param>
/// <param name="present">Account, key and nonce in the committed state.</param>
/// <param name="submit">The node's mempool: null = admitted, else the reason.</param>
public sealed class TransactionSender(
    string chainId, Func<PresentKey> present, Func<ReadOnlyMemory<byte>, Task<string?>> submit) : IDisposable
{
    /// <summary>Refusal while the change or the end of the node key waits for its block: ask again after it.</summary>
    public const string KeyChangesRefusal = "the node key is being changed";

    /// <summary>Refusal when the account's key is none of this node's.</summary>
    public const string NoKeyRefusal = "none of this gateway's node keys is its account's present one";

    private readonly SemaphoreSlim gate = new(1);
    private ulong lastNonce;
    private ulong keyChangeNonce;

    /// <summary>The account that signs; the hash of the node key as long as the chain does not know it.</summary>
    public AccountId Account => present().Account;

    /// <summary>True while the change or the end of the node key waits for its block.</summary>
    public bool IsKeyChanging => present().Nonce < Volatile.Read(ref keyChangeNonce);

    /// <summary>Signs and submits.</summary>
    /// <returns>Null = admitted to the mempool; else the reason, and nothing is outstanding.</returns>
    /// <exception cref="SignerException">The key is not available.</exception>
    public async Task<string?> SendAsync(TransactionBody body, CancellationToken cancellation) =>
        (await SubmitAsync(body, cancellation).ConfigureAwait(false)).Reason;

    /// <summary>Signs and submits.</summary>
    /// <returns>Null = admitted to the mempool, else the reason; and the transaction's hash.</returns>
    /// <exception cref="SignerException">The key is not available.</exception>
    public Task<(string? Reason, Hash256 Hash)> SubmitAsync(
        TransactionBody body, CancellationToken cancellation) =>
        SubmitAsync((_, _) => body, endsKey: body is RevokeNodeKey, cancellation);

    /// <summary>Puts another node key in the place of the present one; both sign.</summary>
    /// <returns>Null = admitted to the mempool; else the reason, and nothing is outstanding.</returns>
    /// <exception cref="SignerException">One of the keys is not available.</exception>
    public async Task<string?> RotateAsync(ISigner next, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(next);
        (string? reason, _) = await SubmitAsync(
            (from, nonce) =>
            {
                var proof = new byte[VerifyingKey.SignatureLength];
                next.Sign(
                    RotateNodeKey.ProofSignBytes(
                        chainId, from.Account, from.Signer!.PublicKey, next.PublicKey, nonce), proof);
                return new RotateNodeKey(next.PublicKey, proof);
            },
            endsKey: true, cancellation).ConfigureAwait(false);
        return reason;
    }

    /// <summary>
    /// Forgets what is outstanding: the next nonce follows the committed one. For the case that transactions were
    /// lost before they reached a block.
    /// </summary>
    public void ForgetOutstanding()
    {
        gate.Wait();
        lastNonce = keyChangeNonce = 0;
        gate.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();

    private async Task<(string? Reason, Hash256 Hash)> SubmitAsync(
        Func<PresentKey, ulong, TransactionBody> body, bool endsKey, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            PresentKey from = present();
            if (from.Signer is not { } signer)
            {
                return (NoKeyRefusal, default);
            }

            if (from.Nonce < keyChangeNonce)
            {
                return (KeyChangesRefusal, default); // what the old key signs behind that would be refused
            }

            ulong nonce = Math.Max(lastNonce, from.Nonce) + 1;
            byte[] transaction = Sign(signer, nonce, body(from, nonce));
            string? reason = await submit(transaction).ConfigureAwait(false);
            if (reason is null)
            {
                lastNonce = nonce;
                Volatile.Write(ref keyChangeNonce, endsKey ? nonce : keyChangeNonce);
            }

            return (reason, Hash256.Of(transaction));
        }
        finally
        {
            gate.Release();
        }
    }

    private byte[] Sign(ISigner signer, ulong nonce, TransactionBody body)
    {
        byte[] payload = TransactionCodec.EncodePayload(chainId, nonce, body);
        Span<byte> signature = stackalloc byte[VerifyingKey.SignatureLength];
        signer.Sign(CoseSign1.SignBytes(signer.PublicKey, TransactionCodec.Role, payload), signature);
        return CoseSign1.Assemble(signer.PublicKey, payload, signature);
    }
}
