import { isMap, isScalar, parseDocument, stringify } from 'yaml';

/** The settings of a pipeline that params.yaml gets: only those that differ from the top of the file. */
export type Section = Record<string, Record<string, unknown>>;

/**
 * Returns the text of params.yaml with a section for a pipeline. Everything else, with its comments, stays as it is.
 * @param text of a file that is valid YAML
 */
export function addSection(text: string, pipeline: string, section: Section): string {
  const document = parseDocument(text);
  const pipelines: unknown = document.get('pipelines', true);
  if (pipelines === undefined) {
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return `${before}${text === '' ? '' : '\n'}${stringify({ pipelines: { [pipeline]: section } })}`;
  }
  const first = isMap(pipelines) && pipelines.flow !== true ? pipelines.items[0]?.key : undefined;
  if (!isMap(pipelines) || !isScalar(first) || first.range == null) {
    if (isMap(pipelines)) pipelines.set(pipeline, document.createNode(section));
    else document.set('pipelines', document.createNode({ [pipeline]: section }));
    return document.toString({ lineWidth: 0, flowCollectionPadding: false });
  }
  // A new block at the end of the sections, indented as they are.
  const indent = first.range[0] - (text.lastIndexOf('\n', first.range[0]) + 1);
  const block = stringify({ [pipeline]: section })
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}\n`)
    .join('');
  const line = text.indexOf('\n', pipelines.range![1] - 1);
  const end = line < 0 ? text.length : line + 1;
  const before = line < 0 ? `${text}\n` : text.slice(0, end);
  return `${before}${block}${text.slice(end)}`;
}
