// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System.Threading
{
    public sealed class Thread
    {
        public extern Thread(ThreadStart start);

        public static extern void Sleep(int millisecondsTimeout);

        public extern void Start();
    }
}
