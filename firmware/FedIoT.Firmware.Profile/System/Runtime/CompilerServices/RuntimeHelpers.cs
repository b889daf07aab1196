// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System.Runtime.CompilerServices
{
    public static class RuntimeHelpers
    {
        public static extern void InitializeArray(Array array, RuntimeFieldHandle fieldHandle);
    }
}
