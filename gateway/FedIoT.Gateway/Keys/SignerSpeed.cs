using System.Buffers.Binary;
using FedIoT.Consensus;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>How fast a key signs.</summary>
/// <param name="Signatures">How many were measured.</param>
/// <param name="PerSecond">Signatures a second, one after another.</param>
/// <param name="P50">Half of the signatures took at most this long.</param>
/// <param name="P99">99 of 100 took at most this long.</param>
public sealed record SignerSpeed(int Signatures, double PerSecond, TimeSpan P50, TimeSpan P99)
{
    /// <summary>
    /// A block costs a validator up to three signatures one after another (proposal, prevote, precommit); the rest of
    /// the factor is for the network and the disk.
    /// </summary>
    public const int SignaturesPerBlockTime = 5;

    /// <summary>The shortest block time that the key is fast enough for.</summary>
    public TimeSpan FastestBlockTime => P99 * SignaturesPerBlockTime;

    /// <summary>Whether block time >= 5 × the time of one signature (P99).</summary>
    public bool IsFastEnoughFor(TimeSpan blockTime) => blockTime >= FastestBlockTime;

    /// <summary>Signs and verifies, one after another. The first signature opens what has to be opened and does not
    /// count.</summary>
    /// <param name="signer">The key.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="time">Measures.</param>
    /// <exception cref="SignerException">A signature failed, or does not verify.</exception>
    public static SignerSpeed Measure(ISigner signer, int count, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        byte[] message = [.. "fediot keys test "u8, 0, 0, 0, 0];
        var signature = new byte[VerifyingKey.SignatureLength];
        var durations = new TimeSpan[count];
        for (int i = -1; i < count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(message.Length - sizeof(int)), i);
            long start = time.GetTimestamp();
            signer.Sign(message, signature);
            TimeSpan duration = time.GetElapsedTime(start);
            if (!signer.PublicKey.Verify(message, signature))
            {
                throw new SignerException($"Signature {i + 1} does not verify with the key's public half.");
            }

            if (i >= 0)
            {
                durations[i] = duration;
            }
        }

        double seconds = durations.Sum(d => d.TotalSeconds);
        Array.Sort(durations);
        return new SignerSpeed(
            count, seconds > 0 ? count / seconds : double.PositiveInfinity, Rank(durations, 50), Rank(durations, 99));
    }

    private static TimeSpan Rank(TimeSpan[] sorted, int percent) =>
        sorted[Math.Min(sorted.Length - 1, ((sorted.Length * percent) + 99) / 100 - 1)];
}
