#nullable disable

namespace FedIoT.Firmware.Logic
{
    /// <summary>
    /// Exponential delays with jitter: the n-th delay is drawn from [d/2, d], d = min(base x 2^n, max), so that
    /// devices that lost their gateway together do not come back together. The generator is xorshift32 (Marsaglia,
    /// Journal of Statistical Software 8(14), 2003) from a seed handed in. Not thread-safe.
    /// </summary>
    public sealed class Backoff
    {
        private readonly int baseMs;
        private readonly int maxMs;
        private uint state;

        /// <summary>Takes the bounds.</summary>
        /// <param name="baseMs">First full delay, at least 2 ms.</param>
        /// <param name="maxMs">Longest delay, from the base to 2^30 ms.</param>
        /// <param name="seed">Any value; devices should differ.</param>
        /// <exception cref="System.ArgumentException">A number is out of its range.</exception>
        public Backoff(int baseMs, int maxMs, uint seed)
        {
            if (baseMs < 2 || maxMs < baseMs || maxMs > (1 << 30))
            {
                throw new System.ArgumentException("A back-off grows from at least 2 ms to at most 2^30 ms.");
            }

            this.baseMs = baseMs;
            this.maxMs = maxMs;
            state = seed == 0 ? 0x9E3779B9 : seed; // xorshift32 never leaves 0
        }

        /// <summary>A delay after <paramref name="attempts"/> failures, in milliseconds.</summary>
        public int DelayMs(int attempts)
        {
            int full = baseMs;
            for (int i = 0; i < attempts && full < maxMs; i++)
            {
                full <<= 1; // below 2^31, because full < maxMs <= 2^30
            }

            if (full > maxMs)
            {
                full = maxMs;
            }

            int half = full >> 1;
            return full - (int)(Next() % (uint)(half + 1));
        }

        private uint Next()
        {
            unchecked
            {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
            }

            return state;
        }
    }
}
