// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System.Threading
{
    public static class Monitor
    {
        public static extern void Enter(object obj);

        public static extern void Exit(object obj);
    }
}
