// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System.Threading
{
    public delegate void ThreadStart();
}
