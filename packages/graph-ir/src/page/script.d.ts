// A script for browsers as text: the build bundles what is imported with "?script".
declare module '*?script' {
  const text: string;
  export default text;
}
