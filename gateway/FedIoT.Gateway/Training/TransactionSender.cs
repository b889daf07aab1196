using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Training;

/// <summary>
/// Signs this gateway's transactions with its node key and hands them to the node in the order of their nonces.
/// Thread-safe: one transaction at a time.
/// </summary>
/// <param name="chainId">Chain that the transactions are for.</param>
/// <param name="signer">Node key.</param>
/// <param name="committedNonce">The account's nonce in the committed state.</param>
/// <param name="submit">The node's mempool: null = admitted, else the reason.</param>
public sealed class TransactionSender(
    string chainId, ISigner signer, Func<ulong> committedNonce, Func<ReadOnlyMemory<byte>, Task<string?>> submit)
    : IDisposable
{
    private readonly SemaphoreSlim gate = new(1);
    private ulong lastNonce;

    /// <summary>The account that signs.</summary>
    public Wire.AccountId Account => signer.PublicKey.Account;

    /// <summary>Signs and submits.</summary>
    /// <returns>Null = admitted to the mempool; else the reason, and nothing is outstanding.</returns>
    /// <exception cref="SignerException">The key is not available.</exception>
    public async Task<string?> SendAsync(TransactionBody body, CancellationToken cancellation) =>
        (await SubmitAsync(body, cancellation).ConfigureAwait(false)).Reason;

    /// <summary>Signs and submits.</summary>
    /// <returns>Null = admitted to the mempool, else the reason; and the transaction's hash.</returns>
    /// <exception cref="SignerException">The key is not available.</exception>
    public async Task<(string? Reason, Hash256 Hash)> SubmitAsync(
        TransactionBody body, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ulong nonce = Math.Max(lastNonce, committedNonce()) + 1;
            byte[] transaction = Sign(nonce, body);
            string? reason = await submit(transaction).ConfigureAwait(false);
            lastNonce = reason is null ? nonce : lastNonce;
            return (reason, Hash256.Of(transaction));
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>
    /// Forgets what is outstanding: the next nonce follows the committed one. For the case that transactions were
    /// lost before they reached a block.
    /// </summary>
    public void ForgetOutstanding()
    {
        gate.Wait();
        lastNonce = 0;
        gate.Release();
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();

    private byte[] Sign(ulong nonce, TransactionBody body)
    {
        byte[] payload = TransactionCodec.EncodePayload(chainId, nonce, body);
        Span<byte> signature = stackalloc byte[VerifyingKey.SignatureLength];
        signer.Sign(CoseSign1.SignBytes(signer.PublicKey, TransactionCodec.Role, payload), signature);
        return CoseSign1.Assemble(signer.PublicKey, payload, signature);
    }
}
