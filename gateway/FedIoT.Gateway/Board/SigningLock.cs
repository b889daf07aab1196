using FedIoT.Consensus;

namespace FedIoT.Gateway.Board;

/// <summary>Whether this gateway's keys sign. Thread-safe.</summary>
internal sealed class SigningLock
{
    private volatile string? reason;

    /// <summary>Why nothing is signed; null while keys sign.</summary>
    public string? Reason => reason;

    /// <summary>Stops signing with the next message.</summary>
    /// <param name="why">One sentence with the next step.</param>
    public void Engage(string why) => reason = why;

    /// <summary>Lets keys sign again.</summary>
    public void Release() => reason = null;

    /// <summary>Throws while the lock is engaged.</summary>
    /// <exception cref="SignerException">The lock is engaged.</exception>
    public void ThrowIfEngaged()
    {
        if (reason is { } why)
        {
            throw new SignerException(why);
        }
    }
}
