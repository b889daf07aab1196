// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System
{
    public struct Int64
    {
        public const long MaxValue = 0x7FFFFFFFFFFFFFFF;
        public const long MinValue = unchecked((long)0x8000000000000000);
    }
}
