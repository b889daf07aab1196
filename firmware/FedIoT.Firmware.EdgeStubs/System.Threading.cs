// Signatures of .NET nanoFramework's System.Threading 1.1, as far as the device uses them. Never runs.

namespace System.Threading
{
    public struct CancellationToken
    {
    }

    public class CancellationTokenSource : IDisposable
    {
        public extern CancellationTokenSource(int millisecondsDelay);

        public extern CancellationToken Token { get; }

        public extern void Dispose();
    }
}
