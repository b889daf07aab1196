namespace FedIoT.Gateway.Chain.Peering;

/// <summary>A budget that refills evenly. Not thread-safe.</summary>
/// <param name="capacity">Most that can be saved up; what it starts with.</param>
/// <param name="perSecond">Refill.</param>
/// <param name="time">Monotonic clock.</param>
internal sealed class TokenBucket(long capacity, long perSecond, TimeProvider time)
{
    private double tokens = capacity;
    private long refilledAt = time.GetTimestamp();

    /// <summary>Takes tokens when there are enough.</summary>
    public bool TryTake(long amount)
    {
        Refill();
        if (tokens < amount)
        {
            return false;
        }

        tokens -= amount;
        return true;
    }

    /// <summary>True when there is a token, so that <see cref="TryTakeOnCredit"/> would give any amount.</summary>
    public bool HasSome
    {
        get
        {
            Refill();
            return tokens > 0;
        }
    }

    /// <summary>Takes tokens, on credit when there are too few; false while an earlier debt is not paid.</summary>
    public bool TryTakeOnCredit(long amount)
    {
        bool isGiven = HasSome;
        tokens -= isGiven ? amount : 0;
        return isGiven;
    }

    /// <summary>Takes tokens, on credit when there are too few; how long to wait until the debt is paid.</summary>
    public TimeSpan Take(long amount)
    {
        Refill();
        tokens -= amount;
        return tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-tokens / perSecond);
    }

    private void Refill()
    {
        long now = time.GetTimestamp();
        tokens = Math.Min(capacity, tokens + (time.GetElapsedTime(refilledAt, now).TotalSeconds * perSecond));
        refilledAt = now;
    }
}
