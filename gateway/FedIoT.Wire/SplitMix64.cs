namespace FedIoT.Wire;

/// <summary>
/// Seeded generator for everything that must be the same on every machine: model initialisation, shuffles,
/// simulations. Not for keys. Algorithm: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014. Not thread-safe.
/// </summary>
/// <param name="seed">Any value.</param>
public struct SplitMix64(ulong seed)
{
    private ulong state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15UL;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }

    /// <summary>
    /// A value in [0, <paramref name="bound"/>), by the high half of a 64 × 32 bit product (Lemire 2019).
    /// </summary>
    /// <remarks>Bias is below 2^-32, and the same on every machine.</remarks>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)(((Next() >> 32) * (ulong)(uint)bound) >> 32);
    }

    /// <summary>A generator for a part of the work, independent of how much other parts draw.</summary>
    public static SplitMix64 For(ulong seed, ulong stream)
    {
        var parent = new SplitMix64(seed);
        ulong first = parent.Next();
        var child = new SplitMix64(unchecked(first ^ (stream * 0xD1342543DE82EF95UL)));
        return new SplitMix64(child.Next());
    }
}
