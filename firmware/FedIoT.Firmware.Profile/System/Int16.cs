// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System
{
    public struct Int16
    {
        public const short MaxValue = 0x7FFF;
        public const short MinValue = -32768;
    }
}
