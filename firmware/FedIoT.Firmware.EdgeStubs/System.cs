// Signatures of .NET nanoFramework's Runtime.Native 1.7, as far as the device uses them. Never runs.

namespace System
{
    public static class Environment
    {
        public static extern long TickCount64 { get; }
    }
}
